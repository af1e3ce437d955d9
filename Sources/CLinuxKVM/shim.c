// The shims are all static inline; what a thread has of its own lives here.
#include "sleeps.h"

_Thread_local pv_sleep_log *pv_own_sleeps;
