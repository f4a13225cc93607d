"""What a run's artefacts answer to those who read them: queries without HTTP, replies as models."""
