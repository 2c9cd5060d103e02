"""Signal processing of the codec: fixed transforms, the excitation of the vocoder and ConvNeXt layers."""
