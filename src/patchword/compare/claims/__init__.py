"""The claims, a file each; `patchword.compare.registry` lists them."""
