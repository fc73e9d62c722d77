"""What the image's programs share as HTTP servers and proxies: tokens, streaming, errors, logs, an orderly end."""
