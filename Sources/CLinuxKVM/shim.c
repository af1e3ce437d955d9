// The shims are all static inline; a target needs one source file.
