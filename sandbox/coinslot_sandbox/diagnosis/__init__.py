"""Names the cause of a signature or token that does not verify, by trying the known mistakes."""
