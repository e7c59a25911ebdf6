"""The words in the ADXL355's FIFO: how three of them make a set, and what shows that they do not.

A word is 20 bits at the top of 3 bytes, highest byte first. Of the last byte's low bits, bit 0 marks x, and
bit 1 says that the FIFO was empty and the word means nothing ("FIFO" in the Analog Devices data sheet
ADXL354/ADXL355).
"""

import numpy as np
from numpy.typing import NDArray

WORD_BYTES = 3
SET_WORDS = 3
X_MARK, EMPTY_MARK = 1, 2
MARKS = np.array((X_MARK, 0, 0), dtype=np.uint8)
WIDE_BYTES = 4
SPARE_BITS = 12  # below the 20 bits where a word fills 32 from the top


def words_before_x(words: NDArray[np.uint8]) -> int:
    """Return how many words, of at most two, lie before the first x; 0 where no x is near.

    Words are uint8, shape (n, 3), as they were read; so they are below.
    """
    marked = np.flatnonzero(words[:SET_WORDS, -1] & X_MARK)
    return int(marked[0]) if len(marked) else 0


def in_order(words: NDArray[np.uint8]) -> bool:
    """Return whether the words are whole sets, x first, none read from an empty FIFO."""
    marks = words[:, -1] & (X_MARK | EMPTY_MARK)
    return bool((marks.reshape(-1, SET_WORDS) == MARKS).all())


def counts_of(words: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Return the sets that words in order make; int32, shape (n / 3, 3)."""
    wide = np.zeros((len(words), WIDE_BYTES), dtype=np.uint8)
    wide[:, :WORD_BYTES] = words
    counts = wide.view(">i4").astype(np.int32) >> SPARE_BITS
    return counts.reshape(-1, SET_WORDS)
