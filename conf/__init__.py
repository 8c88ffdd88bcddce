"""The YAML files of the command line, one folder a Hydra group."""
