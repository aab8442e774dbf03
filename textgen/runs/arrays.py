"""What the arrays in annotations hold. Their shapes stand beside them in words."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.integer]
"""Ids or code points, in any integer type."""
Floats = npt.NDArray[np.floating]
"""Logits, probabilities or weights, in any precision."""
Bools = npt.NDArray[np.bool_]
Texts = npt.NDArray[np.object_]
"""Strings."""
