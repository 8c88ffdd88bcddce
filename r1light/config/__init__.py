"""Configuration: composed by Hydra, validated into frozen dataclasses, and plain values from there on."""
