"""The page of `decodec app`: what it computes (`processing`, `files`, `actions`), its widgets (`page`), its server."""
