"""Voice features and voice activity: the only place that knows openSMILE and librosa."""
