"""One module per published corpus: recordings(corpus) yields what it has, and counts what it leaves out."""
