// Memory that a kernel needs while it runs.
#pragma once

#include <cstdlib>

namespace patchword {

template <typename T>
struct Scratch {
    T* data;
    explicit Scratch(long count) : data(nullptr) {
        if (count && posix_memalign(reinterpret_cast<void**>(&data), 64, count * sizeof(T))) std::abort();
    }
    ~Scratch() { std::free(data); }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
};

}  // namespace patchword
