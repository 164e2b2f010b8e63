// Memory that a kernel needs while it runs; std::bad_alloc where there is none.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <new>

namespace patchword {

template <typename T>
struct Scratch {
    T* data;
    explicit Scratch(int64_t count) : data(nullptr) {
        if (count <= 0) return;
        if (count > INT64_MAX / static_cast<int64_t>(sizeof(T))) throw std::bad_alloc();
        if (posix_memalign(reinterpret_cast<void**>(&data), 64, count * sizeof(T))) throw std::bad_alloc();
    }
    ~Scratch() { std::free(data); }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
};

}  // namespace patchword
