// Ways out of the guest, each a loop with the TSC on both sides of the instruction that leaves: ExitWorkload.swift chooses.
// There are two of each. In ring 3 the clock has the fences that the vendors ask for, as pv_tsc has. In ring 0 it has none: an
// instruction that leaves the guest waits for those before it by itself, and hosts that interpret ring 0 take 1 us for each
// instruction between the two reads.
//
// (order) -> result. RDI is a pv_way_order of GuestKernel.h. With a number of samples of zero the instruction is executed once,
// untimed, and RAX is what it left there.

    .set ELEMENTS, 8                // PV_WAY_ELEMENTS of GuestKernel.h
    .set SECTOR_ELEMENTS, 256       // PV_WAY_SECTOR_ELEMENTS
    .set DELTAS, 40                 // offset of pv_way_order.deltas

// What is between the two reads, which take EAX and EDX: R11 is the order's operand; RCX, RBX and RSI are its arguments.
    .macro leave_empty
    .endm
    .macro leave_out32
    mov %r11d, %edx
    out %eax, %dx
    .endm
    .macro leave_out8
    mov %r11d, %edx
    mov %ecx, %eax
    out %al, %dx
    .endm
    .macro leave_in32
    mov %r11d, %edx
    in %dx, %eax
    .endm
    .macro leave_in8
    mov %r11d, %edx
    in %dx, %al
    .endm
    .macro leave_outs
    mov %r11d, %edx
    mov %rbx, %rsi
    mov $ELEMENTS, %ecx
    rep outsw
    .endm
    .macro leave_ins
    mov %r11d, %edx
    mov %rbx, %rdi
    mov $ELEMENTS, %ecx
    rep insw
    .endm
    .macro leave_ins_sector
    mov %r11d, %edx
    mov %rbx, %rdi
    mov $SECTOR_ELEMENTS, %ecx
    rep insw
    .endm
    .macro leave_write32
    mov %ecx, (%r11)
    .endm
    .macro leave_read32
    mov (%r11), %eax
    .endm
    .macro leave_cpuid              // also EBX, ECX and EDX
    mov %r11d, %eax
    cpuid
    .endm
    .macro leave_rdmsr
    rdmsr
    .endm
    .macro leave_wrmsr
    mov %esi, %eax
    mov %ebx, %edx
    wrmsr
    .endm
    .macro leave_cr3                // need not leave at all
    mov %r11, %cr3
    .endm
    .macro leave_invlpg
    invlpg (%r11)
    .endm
    .macro leave_vmcall             // RBX, RCX, RDX and RSI are the call's arguments
    mov %r11d, %eax
    xor %edx, %edx
    vmcall
    .endm
    .macro leave_vmmcall
    mov %r11d, %eax
    xor %edx, %edx
    vmmcall
    .endm

    .macro read_clock is_fenced
    .if \is_fenced
    lfence
    .endif
    rdtsc
    .if \is_fenced
    lfence
    .endif
    .endm

    .macro loop symbol, name, is_fenced
    .balign 64
    .globl \symbol
\symbol:
    push %rbx
    push %r12
    mov (%rdi), %r9
    mov 8(%rdi), %r11
    mov 16(%rdi), %rcx
    mov 24(%rdi), %rbx
    mov 32(%rdi), %rsi
    lea DELTAS(%rdi), %r10
    test %r9, %r9
    jz 2f
1:  read_clock \is_fenced
    mov %eax, %r8d
    mov %edx, %r12d
    leave_\name
    read_clock \is_fenced
    shl $32, %rdx
    or %rdx, %rax
    shl $32, %r12
    or %r12, %r8
    sub %r8, %rax
    mov %rax, (%r10)
    add $8, %r10
    dec %r9
    jnz 1b
    jmp 3f
2:  xor %eax, %eax
    leave_\name
3:  pop %r12
    pop %rbx
    ret
    .endm

    .macro way name
    .section .text.way_\name, "ax"
    loop pv_way_\name, \name, 1
    loop pv_way_\name\()_ring0, \name, 0
    .endm

    .code64
    way empty
    way out32
    way out8
    way in32
    way in8
    way outs
    way ins
    way ins_sector
    way write32
    way read32
    way cpuid
    way rdmsr
    way wrmsr
    way cr3
    way invlpg
    way vmcall
    way vmmcall

    .section .note.GNU-stack, "", @progbits
