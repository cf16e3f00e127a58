"""Labelled data in the layouts that people have: pictures, speech, clips and affect, and fair splits."""
