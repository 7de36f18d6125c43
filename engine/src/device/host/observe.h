// What follows shim.h in checked and profiled mode. The kernel is compiled with -fsanitize=thread, which puts a call
// before every access to memory that is not certain to be the thread's own; instead of the thread sanitizer's library,
// these few functions answer and pass the access on with the address of the code that makes it.
namespace warptape_host {
enum Access { READ, WRITE, ATOMIC, LOOK };  // LOOK: a volatile read
}
#define WT_CALLBACK extern "C" __attribute__((no_sanitize("thread"), visibility("hidden"), used))
// What initializes global variables runs before there is anyone to tell.
#define WT_PASS_ON(address, bytes, kind) \
    (warptape_host::runtime.access                                                                            \
         ? warptape_host::runtime.access((address), (bytes), warptape_host::kind, __builtin_return_address(0)) \
         : (void)0)

#define WT_SIZE(n) \
    WT_CALLBACK void __tsan_read##n(void* address) { WT_PASS_ON(address, n, READ); } \
    WT_CALLBACK void __tsan_write##n(void* address) { WT_PASS_ON(address, n, WRITE); } \
    WT_CALLBACK void __tsan_unaligned_read##n(void* address) { WT_PASS_ON(address, n, READ); } \
    WT_CALLBACK void __tsan_unaligned_write##n(void* address) { WT_PASS_ON(address, n, WRITE); } \
    WT_CALLBACK void __tsan_volatile_read##n(void* address) { WT_PASS_ON(address, n, LOOK); } \
    WT_CALLBACK void __tsan_volatile_write##n(void* address) { WT_PASS_ON(address, n, WRITE); }
WT_SIZE(1) WT_SIZE(2) WT_SIZE(4) WT_SIZE(8) WT_SIZE(16)
WT_CALLBACK void __tsan_read_range(void* address, unsigned long bytes) { WT_PASS_ON(address, bytes, READ); }
WT_CALLBACK void __tsan_write_range(void* address, unsigned long bytes) { WT_PASS_ON(address, bytes, WRITE); }
WT_CALLBACK void __tsan_init() {}
WT_CALLBACK void __tsan_func_entry(void*) {}
WT_CALLBACK void __tsan_func_exit() {}

// shim.h's atomics load once and then exchange until it succeeds: the load stands for the whole.
#define WT_ATOMIC(bits, type) \
    WT_CALLBACK type __tsan_atomic##bits##_load(const volatile type* address, int) { \
        WT_PASS_ON(address, sizeof(type), ATOMIC); \
        return __atomic_load_n(address, __ATOMIC_RELAXED); \
    } \
    WT_CALLBACK bool __tsan_atomic##bits##_compare_exchange_weak(volatile type* address, type* expected, type value, \
                                                                int, int) { \
        return __atomic_compare_exchange_n(address, expected, value, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED); \
    }
WT_ATOMIC(8, unsigned char) WT_ATOMIC(16, unsigned short) WT_ATOMIC(32, unsigned) WT_ATOMIC(64, unsigned long)
