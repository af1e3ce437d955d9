// The whole of ring 0: descriptor tables, exception and interrupt stubs, and the services that ring 3 asks for by int3.
// Integer instructions only, as few and as plain as possible: some hosts interpret ring 0 at about 1 us an instruction.
//
// Interrupts count themselves in pv_interrupts[vector] and end themselves (8259 for vectors 0x20-0x2F, local APIC above);
// everything else about a device is ring 3's business.

    .set PORT_DOORBELL, 0x5056
    .set DOORBELL_PANIC, 7
    .set PORT_INTERRUPT_SOURCE, 0x5060
    .set KERNEL_CODE, 0x10
    .set KERNEL_DATA, 0x18
    .set USER_DATA, 0x2b            // RPL 3
    .set USER_CODE, 0x33            // RPL 3
    .set TASK, 0x40
    .set TSS_LIMIT, 0x68 + 8192     // the I/O bitmap and its final byte of ones
    .set KERNEL_BASE, 0x100000      // asserted in guest.ld; the gates below are computed from it

    .set PROCESSORS, 16             // PV_PROCESSORS of GuestKernel.h
    .set TSS_SIZE, 8320             // TSS_LIMIT + 1, rounded
    .set KERNEL_STACK_SHIFT, 12
    .set USER_STACK_SHIFT, 16

    .section .text.kernel, "ax"
    .code64
kernel_base:
// EDI is the number of this processor, below PROCESSORS; RBX the start_info, on processor 0.
    .globl start_ring0
start_ring0:
    cli
    mov %edi, %eax                  // this processor's kernel stack
    shl $KERNEL_STACK_SHIFT, %eax
    lea kernel_stacks + (1 << KERNEL_STACK_SHIFT)(%rip), %rsp
    add %rax, %rsp
    imul $TSS_SIZE, %edi, %eax      // its TSS
    lea tasks(%rip), %rcx
    add %rcx, %rax
    mov %rsp, 4(%rax)               // RSP0
    movw $0x68, 0x66(%rax)          // I/O bitmap: all clear, every port allowed (hosts that ignore IOPL honour this)
    movb $0xff, TSS_LIMIT(%rax)
    mov %edi, %ecx                  // the TSS's descriptor, whose base is split over four fields
    shl $4, %ecx
    lea gdt_tasks(%rip), %rdx
    add %rcx, %rdx
    mov %ax, 2(%rdx)
    shr $16, %eax
    mov %al, 4(%rdx)
    mov %ah, 7(%rdx)
    lgdt gdtr(%rip)
    lidt idtr(%rip)
    mov $KERNEL_DATA, %eax
    mov %ax, %ss
    mov %ax, %ds
    mov %ax, %es
    lea TASK(%rcx), %eax
    ltr %ax
    mov %cr4, %rax
    mov %rax, pv_cr4(%rip)
    mov %cr3, %rax
    mov %rax, pv_cr3(%rip)
    push $USER_DATA
    mov %edi, %eax
    shl $USER_STACK_SHIFT, %eax
    lea user_stacks + (1 << USER_STACK_SHIFT)(%rip), %rdx
    add %rdx, %rax
    push %rax
    push $0x3202                    // IF, IOPL 3 (hosts that ignore the bitmap's presence honour this)
    push $USER_CODE
    lea start_ring3(%rip), %rax
    push %rax
    iretq

// int3 from ring 3: RAX names the service.
//   0 wait   sleep until an interrupt, unless *RDI already differs from RSI
//   1 cpuid  leaf EDI, subleaf ESI; EAX, EBX, ECX, EDX to the four words at RDX
//   2 rdmsr  register EDI; its value in RAX
//   3 wrmsr  register EDI, value RSI
//   4 vmcall, 5 vmmcall  number RDI, arguments RSI, RDX, RCX, R8; the result in RAX (Linux, virt/kvm/x86/hypercalls.rst)
//   6 call   the function at RDI with the argument RSI, of general registers only and with little stack; its result in RAX
//   7 invlpg the address RDI
service:
    test %eax, %eax
    jnz 1f
    cmp %rsi, (%rdi)
    jne 2f
    sti
    hlt                             // sti holds interrupts back for one instruction: no wake-up is lost
2:  iretq
1:  cmp $1, %eax
    je service_cpuid
    cmp $6, %eax
    je service_call
    ja service_invlpg
    cmp $4, %eax
    jae service_hypercall
    cmp $3, %eax
    mov %edi, %ecx
    je 3f
    rdmsr
    shl $32, %rdx
    or %rdx, %rax
    iretq
3:  mov %esi, %eax
    mov %rsi, %rdx
    shr $32, %rdx
    wrmsr
    iretq
service_hypercall:
    push %rbx
    mov %eax, %r9d
    mov %rdi, %rax
    mov %rsi, %rbx
    xchg %rcx, %rdx                 // RCX the second argument, RDX the third
    mov %r8, %rsi
    cmp $5, %r9d
    je 4f
    vmcall
    pop %rbx
    iretq
4:  vmmcall
    pop %rbx
    iretq
service_call:
    mov %rdi, %rax
    mov %rsi, %rdi
    call *%rax
    iretq
service_invlpg:
    invlpg (%rdi)
    iretq
service_cpuid:
    push %rbx
    push %rdx
    mov %edi, %eax
    mov %esi, %ecx
    cpuid
    pop %rdi
    mov %eax, (%rdi)
    mov %ebx, 4(%rdi)
    mov %ecx, 8(%rdi)
    mov %edx, 12(%rdi)
    pop %rbx
    iretq

end_pic_secondary:
    push %rax
    mov $0x20, %al
    out %al, $0xa0
    out %al, $0x20
    pop %rax
    iretq
end_pic_primary:
    push %rax
    mov $0x20, %al
    out %al, $0x20
    pop %rax
    iretq
end_shootdown:                      // another processor has changed the page at pv_shootdown_address
    push %rax
    mov pv_shootdown_address(%rip), %rax
    invlpg (%rax)
    lock incq pv_shootdowns(%rip)
    pop %rax
    jmp end_apic
end_level:                          // the device of the kernel `interrupts` asserts a level until it is acknowledged
    push %rax
    push %rdx
    mov $PORT_INTERRUPT_SOURCE + 8, %edx
    out %eax, %dx
    pop %rdx
    pop %rax
end_apic:
    push %rax
    mov $0xfee000b0, %eax
    movl $0, (%rax)
    pop %rax
    iretq
end_paravirtual:                    // KVM's flag (Linux, virt/kvm/x86/msr.rst): an interrupt that it has ended already
    push %rax
    str %eax                        // TASK + 16 * processor
    btrl $0, pv_eoi_flags - 4 * TASK(, %rax, 4)
    jc 1f
    mov $0xfee000b0, %eax
    movl $0, (%rax)
    pop %rax
    iretq
1:  lock incq pv_eoi_saved(%rip)
    pop %rax
    iretq
end_x2apic:
    push %rax
    push %rcx
    push %rdx
    mov $0x80b, %ecx
    xor %eax, %eax
    xor %edx, %edx
    wrmsr
    pop %rdx
    pop %rcx
    pop %rax
    iretq

panic:
    pop %rbx                        // vector
    pop %rcx                        // error code
    mov (%rsp), %rsi                // RIP
    mov %cr2, %rdi
    mov $PORT_DOORBELL, %edx
    mov $DOORBELL_PANIC, %eax
    out %al, %dx
1:  hlt
    jmp 1b

    .balign 16
exceptions:
    .set vector, 0
    .rept 32
    .balign 16
    .if !(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 || vector == 29 || vector == 30)
    push $0
    .endif
    push $vector
    jmp panic
    .set vector, vector + 1
    .endr

    .balign 16
interrupts:
    .rept 224
    .balign 16
    lock incq pv_interrupts + 8 * vector(%rip)
    .if vector < 0x28
    jmp end_pic_primary
    .elseif vector < 0x30
    jmp end_pic_secondary
    .elseif vector == 0x3e
    jmp end_shootdown
    .elseif vector == 0x3f
    jmp end_level
    .else
    jmp end_apic
    .endif
    .set vector, vector + 1
    .endr

// The same for vectors from 0x30 on with another end: in x2APIC mode, and by KVM's flag.
    .macro more_interrupts name, end
    .balign 16
\name:
    .set vector, 0x30
    .rept 208
    .balign 16
    lock incq pv_interrupts + 8 * vector(%rip)
    jmp \end
    .set vector, vector + 1
    .endr
    .endm
    more_interrupts x2apic_interrupts, end_x2apic
    more_interrupts paravirtual_interrupts, end_paravirtual

// Where a process of the host enters, by the note of entry.S: the same registers as at start_ring0, no kernel.
    .globl start_process
start_process:
    mov %edi, %eax
    shl $USER_STACK_SHIFT, %eax
    lea user_stacks + (1 << USER_STACK_SHIFT)(%rip), %rsp
    add %rax, %rsp

// On the user stack of processor EDI.
start_ring3:
    xor %ebp, %ebp
    test %edi, %edi
    jnz 1f
    mov %rbx, %rdi
    call guest_main
2:  jmp 2b
1:  call guest_processor            // never returns

    .globl pv_wait
pv_wait:                            // (counter, seen)
    xor %eax, %eax
    int3
    ret
    .globl pv_cpuid
pv_cpuid:                           // (leaf, subleaf, words)
    mov $1, %eax
    int3
    ret
    .globl pv_rdmsr
pv_rdmsr:                           // (register) -> value
    mov $2, %eax
    int3
    ret
    .globl pv_wrmsr
pv_wrmsr:                           // (register, value)
    mov $3, %eax
    int3
    ret
    .globl pv_vmcall
pv_vmcall:                          // (number, first, second, third, fourth) -> result
    mov $4, %eax
    int3
    ret
    .globl pv_vmmcall
pv_vmmcall:
    mov $5, %eax
    int3
    ret
    .globl pv_call
pv_call:                            // (function, argument) -> result
    mov $6, %eax
    int3
    ret
    .globl pv_invlpg
pv_invlpg:                          // (address)
    mov $7, %eax
    int3
    ret

// How far the gates of vectors from 0x30 on are from those of other ends: only their lowest 16 bits differ.
    .globl pv_x2apic_gate_shift
pv_x2apic_gate_shift:
    .quad x2apic_interrupts - (interrupts + 16 * (0x30 - 32))
    .globl pv_paravirtual_gate_shift
pv_paravirtual_gate_shift:
    .quad paravirtual_interrupts - (interrupts + 16 * (0x30 - 32))

    .section .data.kernel, "aw"
    .macro gate handler, dpl
    .word \handler - kernel_base + (KERNEL_BASE & 0xffff), KERNEL_CODE, 0x8e00 | (\dpl << 13), KERNEL_BASE >> 16
    .quad 0
    .endm
    .balign 16
    .globl pv_idt
pv_idt:
    .set vector, 0
    .rept 32
    .if vector == 3
    gate service, 3
    .else
    gate exceptions + 16 * vector, 0
    .endif
    .set vector, vector + 1
    .endr
    .rept 224
    gate interrupts + 16 * (vector - 32), 0
    .set vector, vector + 1
    .endr
idt_end:
    .balign 16
gdt:
    .quad 0, 0
    .quad 0x00af9b000000ffff        // 0x10 kernel code
    .quad 0x00cf93000000ffff        // 0x18 kernel data
    .quad 0x00cffb000000ffff        // 0x20 user code, 32-bit
    .quad 0x00cff3000000ffff        // 0x28 user data
    .quad 0x00affb000000ffff        // 0x30 user code, 64-bit
    .quad 0
gdt_tasks:
    .rept PROCESSORS
    .word TSS_LIMIT, 0
    .byte 0, 0x89, 0, 0
    .quad 0
    .endr
gdt_end:
gdtr:
    .word gdt_end - gdt - 1
    .quad gdt
idtr:
    .word idt_end - pv_idt - 1
    .quad pv_idt

    .section .bss.kernel, "aw", @nobits
    .balign 64
    .globl pv_interrupts
pv_interrupts:
    .skip 8 * 256
    .globl pv_eoi_flags
pv_eoi_flags:                       // a cache line for each processor
    .skip 64 * PROCESSORS
    .globl pv_eoi_saved
pv_eoi_saved:
    .skip 8
    .globl pv_cr4, pv_cr3
pv_cr4:
    .skip 8
pv_cr3:
    .skip 8
    .balign 64
    .globl pv_shootdown_address, pv_shootdowns
pv_shootdown_address:
    .skip 8
pv_shootdowns:
    .skip 8
    .balign 64
tasks:
    .skip TSS_SIZE * PROCESSORS
    .balign 4096
kernel_stacks:
    .skip PROCESSORS << KERNEL_STACK_SHIFT
user_stacks:
    .skip PROCESSORS << USER_STACK_SHIFT

    .section .note.GNU-stack, "", @progbits
