"""The instrument: pixels, point-spread function, convolution, sampling."""
