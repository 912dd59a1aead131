"""The product, one package for each stage of the data: docs/architecture.md explains the tree."""
