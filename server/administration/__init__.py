"""Administration of models: for people on the command line, and over gRPC for everybody else."""
