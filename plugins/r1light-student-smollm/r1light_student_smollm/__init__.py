"""SmolLM2 as a student: configuration files and no code."""
