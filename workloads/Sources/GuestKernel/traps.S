// What ring 0 does where the way into it is what is measured: handlers that a workload puts into the place of kernel.S's for
// as long as it measures (pv_replace_gate), and interrupts whose sending and coming are stamped. As few instructions as possible,
// for the same reason as in kernel.S; no fences, which hosts that interpret ring 0 do not know.

    .set VECTOR_ARRIVAL, 0x3d       // MemoryMap.relayVector
    .set TASK, 0x40                 // the task register's selector on processor 0, 16 more on each next one (kernel.S)
    .set HYPERCALL_SEND_IPI, 10

    .section .text.traps, "ax"
    .code64

// An exception that goes on at R10, where whoever raised it wants to.
    .macro exception name, vector, hasErrorCode
    .globl \name
\name:
    .if \hasErrorCode
    add $8, %rsp
    .endif
    incq pv_exceptions + 8 * \vector(%rip)
    mov %r10, (%rsp)
    iretq
    .endm
    exception pv_handle_undefined, 6, 0
    exception pv_handle_protection, 13, 1
    exception pv_handle_fault, 14, 1

    .globl pv_handle_breakpoint     // a trap: RIP is behind the instruction already
pv_handle_breakpoint:
    incq pv_exceptions + 8 * 3(%rip)
    iretq

    .globl pv_mend_fault            // the page-table entry at R10 becomes R11, and the access is repeated
pv_mend_fault:
    add $8, %rsp
    incq pv_exceptions + 8 * 14(%rip)
    mov %r11, (%r10)
    iretq

// SYSCALL's entry. Where it does not change the ring, it only goes back; RAX is the CS that was found.
    .globl pv_handle_system_call
pv_handle_system_call:
    mov %cs, %eax
    test $3, %al
    jnz 1f
    incq pv_system_calls(%rip)
    sysretq
1:  jmp *%rcx

// An interrupt that notes when it came, for its processor: the TSC is read before anything else that takes time.
    .macro arrival name
    .globl \name
\name:
    push %rax
    push %rdx
    rdtsc
    shl $32, %rdx
    or %rdx, %rax
    str %edx
    mov %rax, pv_arrivals - 4 * TASK(, %rdx, 4)
    lock incq pv_interrupts + 8 * VECTOR_ARRIVAL(%rip)
    .endm
    arrival pv_arrive_by_xapic
    mov $0xfee000b0, %eax
    movl $0, (%rax)
    pop %rdx
    pop %rax
    iretq
    arrival pv_arrive_by_x2apic
    push %rcx
    mov $0x80b, %ecx
    xor %eax, %eax
    xor %edx, %edx
    wrmsr
    pop %rcx
    pop %rdx
    pop %rax
    iretq

// By pv_call, with the interrupt command that RDI points to (pv_command): the TSC from right before it is left there.
    .globl pv_send_by_x2apic
pv_send_by_x2apic:
    mov $0x830, %ecx
    rdtsc
    mov %eax, (%rdi)
    mov %edx, 4(%rdi)
    mov 8(%rdi), %eax
    mov 12(%rdi), %edx
    wrmsr
    ret
    .globl pv_send_by_vmcall
pv_send_by_vmcall:
    call prepare_hypercall
    vmcall
    pop %rbx
    ret
    .globl pv_send_by_vmmcall
pv_send_by_vmmcall:
    call prepare_hypercall
    vmmcall
    pop %rbx
    ret
prepare_hypercall:                  // (Linux, virt/kvm/x86/hypercalls.rst); leaves RBX on the stack
    pop %r8
    push %rbx
    push %r8
    rdtsc
    mov %eax, (%rdi)
    mov %edx, 4(%rdi)
    mov 8(%rdi), %rsi               // vector
    mov 16(%rdi), %rbx              // processors, from number 0 on
    xor %ecx, %ecx
    xor %edx, %edx
    mov $HYPERCALL_SEND_IPI, %eax
    ret

// In ring 3: what raises them, each in one instruction whose end R10 names.
    .globl pv_raise_undefined
pv_raise_undefined:
    lea 1f(%rip), %r10
    ud2
1:  ret
    .globl pv_raise_protection      // a load from no canonical address
pv_raise_protection:
    lea 1f(%rip), %r10
    mov $1, %eax
    ror $1, %rax
    mov (%rax), %eax
1:  ret
    .globl pv_raise_fault           // (address that nothing is mapped at)
pv_raise_fault:
    lea 1f(%rip), %r10
    mov (%rdi), %eax
1:  ret
    .globl pv_touch                 // (address, its page-table entry, what to make that) -> value
pv_touch:
    mov %rsi, %r10
    mov %rdx, %r11
    mov (%rdi), %rax
    ret
    .globl pv_system_call           // -> CS in the handler; all ones where the instruction is undefined
pv_system_call:
    lea 1f(%rip), %r10
    mov $-1, %rax
    syscall
1:  ret

    .section .bss.traps, "aw", @nobits
    .balign 64
    .globl pv_arrivals
pv_arrivals:                        // a cache line for each processor (PV_PROCESSORS of GuestKernel.h)
    .skip 64 * 16
    .globl pv_exceptions
pv_exceptions:
    .skip 8 * 32
    .globl pv_system_calls
pv_system_calls:
    .skip 8

    .section .note.GNU-stack, "", @progbits
