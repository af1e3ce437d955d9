// Umbrella of the C shims: what Swift's Glibc cannot import (function-like macros, variadic system calls, structs with
// flexible arrays). Every function that can fail returns -errno.
#pragma once
#include "startup.h"
#include "thread_control.h"
#include "eventfd.h"
#include "kvm_calls.h"
#include "kvm_ioctls.h"
#include "kvm_run.h"
#include "kvm_tables.h"
#include "memory_policy.h"
#include "mount.h"
#include "network.h"
#include "perf.h"
#include "random.h"
#include "thread.h"
#include "tsc.h"
#include "waiting.h"
