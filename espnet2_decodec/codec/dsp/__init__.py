"""Signal processing of the codec: transforms, mel bands, pitch, excitation."""
