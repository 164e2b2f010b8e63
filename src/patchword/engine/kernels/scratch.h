// Memory that a kernel needs while it runs; std::bad_alloc where there is none.
#pragma once

#include <cstdint>
#include <new>

namespace patchword {

template <typename T>
struct Scratch {
    static constexpr std::align_val_t ALIGNMENT{64};

    T* data;
    explicit Scratch(int64_t count) : data(nullptr) {
        if (count <= 0) return;
        if (count > INT64_MAX / static_cast<int64_t>(sizeof(T))) throw std::bad_alloc();
        data = static_cast<T*>(::operator new(count * sizeof(T), ALIGNMENT));
    }
    ~Scratch() { ::operator delete(data, ALIGNMENT); }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
};

}  // namespace patchword
