"""The night on disk: schema, codec, writer and what mends a night that the plug ended."""
