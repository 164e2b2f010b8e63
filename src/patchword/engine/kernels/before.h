// What every instruction set's file begins with. The standard library is included before the target is changed: what it
// defines runs on every processor.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <type_traits>

#include "arguments.h"
#include "scratch.h"
#include "team.h"

// Whether this compiler is gcc or clang of at least these versions, which know the instructions.
#if defined(__clang__)
#define PATCHWORD_COMPILER(gcc, clang) (__clang_major__ >= clang)
#else
#define PATCHWORD_COMPILER(gcc, clang) (__GNUC__ >= gcc)
#endif

// Where NEON's instructions are, or are emulated.
#if defined(__aarch64__) || defined(PATCHWORD_EMULATED)
#define PATCHWORD_ARM
#endif

// Functions between these two may use the instructions of a target. Where they are emulated (tests/engine/emulated) the
// compiler must not use them by itself.
#define PATCHWORD_PRAGMA(text) _Pragma(#text)
#if defined(PATCHWORD_EMULATED)
#define PATCHWORD_BEGIN_TARGET(target)
#define PATCHWORD_END_TARGET
#elif defined(__clang__)
#define PATCHWORD_BEGIN_TARGET(name) \
    PATCHWORD_PRAGMA(clang attribute push(__attribute__((target(name))), apply_to = function))
#define PATCHWORD_END_TARGET PATCHWORD_PRAGMA(clang attribute pop)
#else
#define PATCHWORD_BEGIN_TARGET(name) PATCHWORD_PRAGMA(GCC push_options) PATCHWORD_PRAGMA(GCC target(name))
#define PATCHWORD_END_TARGET PATCHWORD_PRAGMA(GCC pop_options)
#endif
