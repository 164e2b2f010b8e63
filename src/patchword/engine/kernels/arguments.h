// What a kernel is given. All matrices are row-major. engine/layout.py reads this file and makes Python's structures of
// it: it understands int64_t, double, pointers, structures declared above, and functions.
#pragma once

#include <cstdint>

namespace patchword {

enum Activation { NONE, RELU, GELU, GELU_TANH, SILU };

enum Precision { FLOAT32, BFLOAT16, INT8 };

// A weight (outputs, inputs) in panels: PANEL outputs whose values for one input, or for some neighbouring ones (2 in
// bfloat16, `group` in int8, with zeros after the last), lie side by side.
struct Weight {
    void* packed;       // float, bfloat16 or int8_t
    float* scales;      // int8_t alone: what an output's weights are multiplied by, (outputs in whole panels,)
    float* sums;        // int8_t alone: the sum of an output's weights, scaled, (outputs in whole panels,)
    const float* bias;  // (outputs,), or null
    int64_t inputs, outputs;
    int64_t activation, precision;
};

struct NormWeight {
    const float *weight, *bias;  // (width,)
    int64_t width;
    double epsilon;
};

// Attention of queries to the keys and values of their own sequence.
struct Attention {
    const float* query;       // (slots * queries, query_stride); heads side by side, already divided by sqrt(head_size)
    const void *key, *value;  // of slot 0, head 0, entry 0; float or bfloat16
    float* y;                 // (slots * queries, heads * head_size)
    int64_t slots, queries, heads, head_size;
    int64_t query_stride, slot_stride, head_stride, entry_stride;
    const int64_t* counts;  // entries that a slot's queries see, (slots,), or null: `count` for all
    int64_t count;
    const int64_t* past;  // (slots * queries, past_stride): which of a position's entries is a query's own, or null
    int64_t past_stride;
    int64_t precision;  // of keys and values: FLOAT32 or BFLOAT16
};

// The source's keys and values, projected, to where a decoder's steps find them.
struct Source {
    const float* rows;               // (tokens, 2 * heads * head_size): keys and values
    const int64_t *starts, *counts;  // a slot's first row, and how many are its own, (slots,)
    void* to;                        // (2, slots, heads, source_length, head_size)
    int64_t slots, heads, head_size, source_length;
    int64_t precision;  // FLOAT32 or BFLOAT16
};

struct Likeliest {
    float* logits;  // (rows, outputs); what must never be generated is overwritten
    int64_t rows, outputs, wanted;
    const int64_t* never;
    int64_t never_count;
    int64_t renormalise;
    float* log_probability;  // (rows, wanted)
    int64_t* token;          // (rows, wanted)
};

struct EncoderLayer {
    Weight query_key_value, output, inner, outer;
    NormWeight self_norm, feed_forward_norm;
};

struct Encoder {
    const EncoderLayer* layers;
    int64_t count, heads, head_size, norm_first;
};

// Sequences of one length that lie one after another among the rows.
struct Group {
    int64_t start, sequences, length;
};

struct DecoderLayer {
    Weight query_key_value, output, cross_query, cross_output, inner, outer;
    NormWeight self_norm, cross_norm, feed_forward_norm;
};

struct Decoder {
    const DecoderLayer* layers;
    int64_t count, heads, head_size, norm_first;
    int64_t remembers;  // the precision of its keys and values: FLOAT32 or BFLOAT16
};

// A position of a search; engine/state.py describes the tensors.
struct Step {
    float* x;                // (slots * beam, d_model): in, embeddings; out, hidden states before the last norm
    const int64_t* targets;  // addresses of each layer's (2, slots, heads, room, head_size)
    const void* source;      // (layers, 2, slots, heads, source_length, head_size)
    const int64_t *counts, *past;
    int64_t slots, beam, length, room, source_length, past_stride;
};

// Images within zeros: (batch, height + 2 room, width + 2 room, channels) in one piece.
struct Maps {
    float* pixels;
    int64_t batch, height, width, channels, room;
};

// activation(convolution(x) + bias + added).
struct Convolution {
    Weight weight;     // (outputs, size * size * inputs), or at all points: pack_winograd
    Maps x, added, y;  // x with room for the kernel; added without pixels if nothing is; the room of y is written too
    int64_t size, stride;
};

// The kernels of one instruction set. `x` is (rows, inputs), `y` (rows, outputs). A kernel returns 0, or 1 if there
// was no memory for it to work in, or 2 if it was asked for what is not there; what it writes is undefined then.
struct Kernels {
    int64_t panel, group;
    int64_t multiplies_bfloat16;  // whether the processor does; elsewhere bfloat16 is read and multiplied as float
    // From (outputs, inputs) to where `to` says.
    int64_t (*pack)(const float* weight, const Weight* to, int64_t threads);
    int64_t (*product)(const Weight* weight, const float* x, float* y, int64_t rows, int64_t threads);
    // Rows of the packed (outputs, inputs) times a factor, as floats, (count, inputs); 2 if there is no such output.
    int64_t (*look_up)(const Weight* weight, const int64_t* outputs, int64_t count, double factor, float* rows);
    // sum = x + added, y = its layer norm; `added` and one of the results may be null.
    int64_t (*norm)(const NormWeight* weight, const float* x, const float* added, float* sum, float* y, int64_t rows,
                    int64_t threads);
    int64_t (*convolve)(const Convolution* arguments, int64_t threads);
    int64_t (*pack_winograd)(const float* weight, int64_t outputs, int64_t inputs, float* packed, int64_t threads);
    int64_t (*convolve_winograd)(const Convolution* arguments, int64_t threads);
    int64_t (*lay_out)(const float* images, const Maps* maps, int64_t threads);
    int64_t (*largest_of_nine)(const Maps* from, const Maps* to, int64_t threads);
    int64_t (*mean)(const Maps* maps, float* means, int64_t threads);
    int64_t (*attention)(const Attention* arguments, int64_t threads);
    int64_t (*remember)(const Source* arguments, int64_t threads);
    int64_t (*likeliest)(const Likeliest* arguments, int64_t threads);
    // The same of the logits of a projection of x, which are nowhere all together: `logits` is not read.
    int64_t (*project_likeliest)(const Weight* weight, const float* x, const Likeliest* arguments, int64_t threads);
    int64_t (*encode)(const Encoder* encoder, float* x, int64_t rows, const Group* groups, int64_t count,
                      int64_t threads);
    int64_t (*decode)(const Decoder* decoder, const Step* step, int64_t threads);
};

// Null if this build has none.
const Kernels* avx512bf16_kernels();
const Kernels* avx512_kernels();
const Kernels* avxvnni_kernels();
const Kernels* avx2_kernels();
const Kernels* neonbf16_kernels();
const Kernels* neondot_kernels();
const Kernels* neon_kernels();

}  // namespace patchword
