// For programs without the fuzz driver in a build whose code is traced.
extern "C" [[gnu::weak]] void __sanitizer_cov_trace_pc() {}
