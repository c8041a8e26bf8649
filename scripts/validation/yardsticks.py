"""Cramér-Rao bounds, and naive gradients of a straight line, by independent calculations."""

# Use case 1 by the FWHM of the PSF, arcsec: sigma of the gradient and of the central value, and the
# naive gradient of a noise-free map.
WIDTHS = {
    0.1: (0.00326, 0.00535, -0.1998),
    0.2: (0.00327, 0.00534, -0.1992),
    0.3: (0.00328, 0.00532, -0.1982),
    0.5: (0.00332, 0.00528, -0.1946),
    0.7: (0.00339, 0.00524, -0.1887),
    1.0: (0.00357, 0.00523, -0.1753),
    1.5: (0.00418, 0.00547, -0.1436),
    2.0: (0.00535, 0.00623, -0.1076),
}
# Figure 4 by R_e in pixels of half the FWHM, the half-light reading: the same.
SIZES = {
    1: (0.0766, 0.0904, -0.0996),
    1.4: (0.0414, 0.0561, -0.1434),
    2: (0.0262, 0.0388, -0.1719),
    3: (0.0166, 0.0261, -0.1885),
    5: (0.0097, 0.0159, -0.1963),
    8: (0.0061, 0.0100, -0.1986),
}
TRUTH = -0.2
# Use case 2 with the light known: the metallicity of each clump, and the sigma of it.
CLUMPS = {
    "clump1.metallicity.value": (7.6, 0.0404),
    "clump2.metallicity.value": (7.8, 0.0209),
    "clump3.metallicity.value": (7.9, 0.0166),
}
CENTRAL, GRADIENT = "disc.metallicity.central", "disc.metallicity.gradient"
# A disc in Ha and [NII] with S/N(Ha) = 200 within R_e: the setting, in units of R_e, and sigma of
# the gradient, dex per R_e.
LINE_FORECASTS = [
    *(
        ({"fwhm": fwhm, "pixel": pixel}, sigma)
        for fwhm, sigmas in {
            0.1: (0.0116, 0.0120, 0.0136, 0.0224),
            0.3: (0.0126, 0.0129, 0.0141, 0.0225),
            1.0: (0.0201, 0.0203, 0.0210, 0.0257),
        }.items()
        for pixel, sigma in zip((0.05, 0.25, 0.5, 1.0), sigmas, strict=True)
    ),
    *(({"fwhm": f}, s) for f, s in {0.5: 0.0141, 0.7: 0.0161, 2.0: 0.0427, 3.0: 0.0864}.items()),
    ({"inclination": 60.0}, 0.0390),
    *(
        ({"fwhm": 0.5, "central": z}, s)
        for z, s in {8.1: 0.102, 8.3: 0.038, 8.5: 0.0141, 8.7: 0.0056}.items()
    ),
    *(
        ({"gradient": g}, s)
        for g, s in {0.0: 0.0104, -0.05: 0.0146, -0.2: 0.0359, -0.3: 0.0602}.items()
    ),
    *(({"view": v}, s) for v, s in {1.0: 0.0407, 1.5: 0.0248, 2.0: 0.0213, 4.0: 0.0201}.items()),
]
# A random field of 0.08 dex and exponential covariance over 0.15 R_e: FWHM of the PSF in R_e, error
# of a pixel at R_e in dex, and sigma of the logarithms of amplitude and length. The field is taken
# at the centres of the pixels, 0.1 R_e apart, and averaged over no finer cells.
FIELD_FORECASTS = [
    (fwhm, noise, amplitude, length)
    for fwhm, amplitudes, lengths in (
        (0.0, (0.039, 0.045, 0.066), (0.097, 0.117, 0.172)),
        (0.15, (0.041, 0.058, 0.107), (0.119, 0.168, 0.261)),
        (0.3, (0.066, 0.119, 0.227), (0.189, 0.275, 0.435)),
        (0.6, (0.222, 0.403, 0.739), (0.407, 0.637, 1.05)),
    )
    for noise, amplitude, length in zip((0.02, 0.05, 0.1), amplitudes, lengths, strict=True)
]
