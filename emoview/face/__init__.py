"""Finding, following and aligning faces: the only place that knows mediapipe's models."""
