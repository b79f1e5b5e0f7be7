"""One verb, one file: its arguments, what it does, what it needs; each exports `VERB`."""
