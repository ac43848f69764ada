"""Help while drawing: pure functions from a picture's pixels to geometry, on the CPU, without any model.

Pixels are arrays of uint8, shape (height, width, 3), RGB, upright. Coordinates in and out are fractions of the picture.
Every function works on a cut-out of bounded size, so its time does not grow with the picture."""
