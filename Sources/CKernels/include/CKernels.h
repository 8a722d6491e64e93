#ifndef SLUICE_KERNELS_H
#define SLUICE_KERNELS_H

// The engine's inner loops, compiled once for each set of vector instructions.
//
// The order of the additions within each sum is fixed and the same in all sets, so one machine gives the same bits however
// often and beside whatever it computes. Between sets the last bits may differ: the baseline of x86-64 has no fused
// multiply-add.

// Columns of a matrix, and lengths of vectors that are written, are rounded up to this many floats: the widest vector.
#define SLUICE_KERNELS_PADDING 16

// A matrix for `affine_lanes` stands in blocks of so many columns, row by row within a block; what columns are left over
// stand in blocks of half the width, a quarter, …, 1, each at most once.
#define SLUICE_KERNELS_BLOCK 8

struct sluice_kernels {
    // "baseline", "avx2", "avx512" or "neon".
    const char *name;

    // Floats in a vector: streams that are stepped at once, each in a lane of its own.
    long lanes;

    // y = b + x·W.
    //
    // y, b: (columns); they may be the same. x: (rows). W: (rows, columns), row-major. columns is a multiple of the padding.
    void (*affine)(float *y, const float *b, const float *x, long rows, const float *w, long columns);

    // y = 1 / (1 + e^-y), of `count` floats; those up to the next multiple of the padding are overwritten too.
    void (*sigmoid)(float *y, long count);

    // y = tanh y, likewise.
    void (*tanh)(float *y, long count);

    // The end of an LSTM's timestep: from the four gates i, f, c, o side by side in z, `units` floats each,
    //
    //     c = σ(zf) c + σ(zi) tanh(zc)
    //     h = σ(zo) tanh(c)
    //
    // state: h then c, (2 · units), both replaced. z: (4 · units) and room for twice (units and the padding) more, which is
    // overwritten.
    void (*lstm)(float *state, float *z, long units);

    // The end of a GRU's timestep that resets after the recurrent weights: from z, r and candidate of the input side by side
    // in a, and of the hidden state in b, `units` floats each,
    //
    //     z = σ(az + bz)
    //     r = σ(ar + br)
    //     h = z h + (1 − z) tanh(ah + r bh)
    //
    // h: (units), replaced. a: (3 · units) and room for (units and the padding) more, which is overwritten. b: (3 · units)
    // and the padding.
    void (*gru)(float *h, float *a, const float *b, long units);

    // For many streams at once, whose values stand in tiles, shape (n, lanes): value k of every stream side by side. What is
    // computed value by value, as `sigmoid`, `lstm` and `gru`, takes a tile as it takes a vector, with n · lanes values.

    // y = b + x·W in each lane, with the additions in the order of `affine`.
    //
    // y: (columns, lanes). b: (columns), or null to add to what y holds. x: (rows, lanes). w: see SLUICE_KERNELS_BLOCK.
    void (*affine_lanes)(float *y, const float *b, const float *x, long rows, const float *w, long columns);

    // tile[k][lane] = rows[lane][k], k < count. As many rows as lanes.
    void (*gather)(float *tile, const float *const *rows, long count);

    // rows[lane][k] = tile[k][lane], likewise.
    void (*scatter)(float *const *rows, const float *tile, long count);

    // The lanes, lane 0 in the lowest bit, whose `count` values are all finite.
    unsigned (*finite_lanes)(const float *tile, long count);
};

// The sets that this machine can run, best first; the count is put into `count`, at least 1.
const struct sluice_kernels *const *sluice_kernels_available(int *count);

#endif
