"""Parts of super-resolution experiments; conf/ names them."""
