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

    .section .text.kernel, "ax"
    .code64
kernel_base:
    .globl start_ring0
start_ring0:
    cli
    lea kernel_stack_top(%rip), %rsp
    lea tss(%rip), %rax             // the TSS descriptor's base is split over four fields
    mov %ax, gdt_tss + 2(%rip)
    shr $16, %eax
    mov %al, gdt_tss + 4(%rip)
    mov %ah, gdt_tss + 7(%rip)
    lgdt gdtr(%rip)
    lidt idtr(%rip)
    mov $KERNEL_DATA, %eax
    mov %ax, %ss
    mov %ax, %ds
    mov %ax, %es
    mov %rsp, tss + 4(%rip)         // RSP0
    movw $0x68, tss + 0x66(%rip)    // I/O bitmap: all clear, every port allowed (hosts that ignore IOPL honour this)
    movb $0xff, tss + TSS_LIMIT(%rip)
    mov $TASK, %eax
    ltr %ax
    push $USER_DATA
    lea user_stack_top(%rip), %rax
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

panic:
    pop %rbx                        // vector
    pop %rcx                        // error code
    mov (%rsp), %rsi                // RIP
    mov %cr2, %rdi
    mov $PORT_DOORBELL, %edx
    mov $DOORBELL_PANIC, %eax
    out %eax, %dx
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
    .elseif vector == 0x3f
    jmp end_level
    .else
    jmp end_apic
    .endif
    .set vector, vector + 1
    .endr

start_ring3:
    xor %ebp, %ebp
    mov %rbx, %rdi
    call guest_main
1:  jmp 1b

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
gdt_tss:
    .word TSS_LIMIT, 0
    .byte 0, 0x89, 0, 0
    .quad 0
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
    .balign 16
tss:
    .skip TSS_LIMIT + 1
    .balign 4096
    .skip 8192
kernel_stack_top:
    .skip 131072
user_stack_top:

    .section .note.GNU-stack, "", @progbits
