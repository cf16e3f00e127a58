"""Reading files onto the tick clock: the only place that knows ffmpeg."""
