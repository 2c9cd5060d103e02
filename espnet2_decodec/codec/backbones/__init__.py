"""Encoder and decoder pairs behind one interface, `base.Backbone`."""
