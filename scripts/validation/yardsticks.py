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
