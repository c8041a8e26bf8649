"""How the sky becomes data: pixels, point-spread function, light-weighted convolution."""
