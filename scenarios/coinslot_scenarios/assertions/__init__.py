"""One assertion, one file: its arguments and how it reads the state once; each exports `ASSERTION`."""
