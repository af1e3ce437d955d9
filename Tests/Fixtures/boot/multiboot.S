// A multiboot 1 guest of 32 bits, in the manner of kvm-unit-tests: it finds NR_CPUS and MEMSIZE in its only module's text, prints
// both on COM1, starts every other processor by INIT and SIPI, takes five interrupts of the PIT through the 8259, waits 10 ms on
// the PIT's second counter, and writes its status to the debug-exit port.
// Statuses: 0 all is well; 1 not entered by a multiboot loader; 2 no module, or no such text; 3 no memory map; 4 a processor did
// not come.

    .set COM1, 0x3F8
    .set DEBUG_EXIT, 0xF4
    .set APIC, 0xFEE00000

    .section .multiboot, "a"
    .balign 4
    .long 0x1BADB002, 0x3, -(0x1BADB002 + 0x3)

    .section .text, "ax"
    .code32
    .globl _start
_start:
    mov $1, %ebp                    // the status until it is known better
    cmp $0x2BADB002, %eax
    jne leave
    mov $stack_top, %esp
    mov %ebx, %edi                  // multiboot information
    mov $3, %ebp
    testl $1 << 6, (%edi)
    jz leave
    mov $2, %ebp
    cmpl $1, 20(%edi)               // mods_count
    jne leave
    mov 24(%edi), %eax              // mods_addr
    mov (%eax), %esi
    mov 4(%eax), %ecx               // the module's end
    mov %ecx, module_end
    mov %esi, module_start

    mov $key_cpus, %edx
    call find
    mov %eax, cpus
    mov $text_cpus, %esi
    call print
    mov cpus, %eax
    call print_number
    mov $key_memory, %edx
    call find
    push %eax
    mov $text_memory, %esi
    call print
    pop %eax
    call print_number
    mov $text_newline, %esi
    call print

    // The other processors: INIT, SIPI at 0x8000, where a few bytes count them.
    mov $ap_start, %esi
    mov $0x20000, %edi              // real-mode code below 1 MiB, page 0x20
    mov $ap_end - ap_start, %ecx
    rep movsb
    mov $APIC, %ebx
    movl $0x1FF, 0xF0(%ebx)         // switch the local APIC on
    movl $0xC4500, 0x300(%ebx)      // INIT to all but this one
    movl $0xC4620, 0x300(%ebx)      // SIPI
    mov $4, %ebp
    mov $2000000, %ecx
1:  mov 0x21000, %eax
    inc %eax
    cmp cpus, %eax
    je 2f
    pause
    dec %ecx
    jnz 1b
    jmp leave
2:  mov $text_up, %esi
    call print

    // The PIT's interrupts, by way of the 8259.
    lgdt gdtr
    ljmp $8, $3f
3:  mov $16, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    mov $tick, %eax
    mov %ax, idt + 8 * 0x20
    movw $8, idt + 8 * 0x20 + 2
    movw $0x8E00, idt + 8 * 0x20 + 4
    shr $16, %eax
    mov %ax, idt + 8 * 0x20 + 6
    lidt idtr
    movl $0x700, 0x350(%ebx)        // LINT0: what the 8259 says
    mov $0x11, %al
    out %al, $0x20
    mov $0x20, %al
    out %al, $0x21
    mov $4, %al
    out %al, $0x21
    mov $1, %al
    out %al, $0x21
    mov $0xFE, %al                  // nothing but the PIT
    out %al, $0x21
    mov $0x34, %al                  // counter 0, rate generator, 1 kHz
    out %al, $0x43
    mov $1193 & 0xFF, %al
    out %al, $0x40
    mov $1193 >> 8, %al
    out %al, $0x40
    sti
4:  hlt
    cmpl $5, ticks
    jb 4b
    cli
    mov $text_ticks, %esi
    call print

    // Counter 2, one shot of 10 ms, seen at port 0x61.
    in $0x61, %al
    and $0xFC, %al
    or $1, %al
    out %al, $0x61
    mov $0xB0, %al
    out %al, $0x43
    mov $11932 & 0xFF, %al
    out %al, $0x42
    mov $11932 >> 8, %al
    out %al, $0x42
5:  in $0x61, %al
    test $0x20, %al
    jz 5b
    mov $text_done, %esi
    call print
    xor %ebp, %ebp

leave:
    mov %ebp, %eax
    mov $DEBUG_EXIT, %edx
    out %eax, %dx
6:  cli
    hlt
    jmp 6b

tick:
    incl ticks
    push %eax
    mov $0x20, %al
    out %al, $0x20
    pop %eax
    sti                             // in place of iret, which not every interpreter of ring 0 knows in 32 bits
    lret $4

// The number behind the text at EDX in the module, in EAX; leaves where there is none.
find:
    mov module_start, %esi
1:  mov %edx, %edi
    mov %esi, %ebx
2:  mov (%edi), %al
    test %al, %al
    jz 3f
    cmp module_end, %ebx
    jae leave
    cmp (%ebx), %al
    jne 4f
    inc %ebx
    inc %edi
    jmp 2b
4:  inc %esi
    jmp 1b
3:  xor %eax, %eax
5:  cmp module_end, %ebx
    jae 6f
    movzbl (%ebx), %ecx
    sub $'0', %ecx
    cmp $9, %ecx
    ja 6f
    imul $10, %eax
    add %ecx, %eax
    inc %ebx
    jmp 5b
6:  ret

print:
    mov $COM1, %edx
1:  mov (%esi), %al
    test %al, %al
    jz 2f
    out %al, %dx
    inc %esi
    jmp 1b
2:  ret

print_number:
    mov $10, %ecx
    xor %ebx, %ebx
1:  xor %edx, %edx
    div %ecx
    push %edx
    inc %ebx
    test %eax, %eax
    jnz 1b
    mov $COM1, %edx
2:  pop %eax
    add $'0', %al
    out %al, %dx
    dec %ebx
    jnz 2b
    ret

    .code16
ap_start:
    mov $0x2100, %ax
    mov %ax, %ds
    lock incl 0
1:  cli
    hlt
    jmp 1b
ap_end:

    .section .data, "aw"
key_cpus:     .asciz "NR_CPUS="
key_memory:   .asciz "MEMSIZE="
text_cpus:    .asciz "processors "
text_memory:  .asciz " memory "
text_newline: .asciz "\n"
text_up:      .asciz "all processors are here\n"
text_ticks:   .asciz "five ticks\n"
text_done:    .asciz "ten milliseconds\n"
    .balign 8
gdt:
    .quad 0, 0x00CF9B000000FFFF, 0x00CF93000000FFFF
gdtr:
    .word 23
    .long gdt
idtr:
    .word 8 * 0x21 - 1
    .long idt

    .section .bss, "aw", @nobits
    .balign 16
idt:          .skip 8 * 0x21
ticks:        .skip 4
cpus:         .skip 4
module_start: .skip 4
module_end:   .skip 4
    .balign 16
    .skip 4096
stack_top:
    .section .note.GNU-stack, "", @progbits
