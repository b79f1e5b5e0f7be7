"""One folder for each portal, to be read beside its document."""
