// Entry points. Both end in start_ring0 (GuestKernel/kernel.S) with RBX = start_info and EDI = the processor's number, in
// 64-bit mode at CPL 0, memory identity-mapped for ring 3 (first GiB and the GiB below 4 GiB).
//   _start        the builtin runner enters here, with every vCPU and its number in RDI: it has already made page tables and
//                 long mode (KVM_SET_SREGS).
//   pvh_start32   every other VMM enters here by the PVH note (Xen, "x86/HVM direct boot ABI"): 32-bit, paging off.

    .section .text.boot, "ax"
    .code64
    .globl _start
_start:
    test %edi, %edi
    jnz start_ring0
    mov $0x5056, %edx               // Doorbell.port
    mov $1, %eax                    // Doorbell.firstInstruction
    out %al, %dx
    jmp start_ring0

    .code32
    .globl pvh_start32
pvh_start32:
    mov $0x5056, %edx
    mov $1, %eax
    out %al, %dx
    cld
    mov $boot_pml4, %edi            // entries: present, writable, user
    movl $boot_pdpt + 7, (%edi)
    mov $boot_pdpt, %edi
    movl $boot_pd_low + 7, (%edi)
    movl $boot_pd_high + 7, 24(%edi)
    mov $boot_pd_low, %edi          // 2 MiB pages of the first GiB
    mov $0x87, %eax
    mov $512, %ecx
1:  mov %eax, (%edi)
    add $0x200000, %eax
    add $8, %edi
    dec %ecx
    jnz 1b
    mov $boot_pd_high, %edi         // and of the GiB below 4 GiB, uncached
    mov $0xC000009F, %eax
    mov $512, %ecx
1:  mov %eax, (%edi)
    add $0x200000, %eax
    add $8, %edi
    dec %ecx
    jnz 1b
    mov $boot_pml4, %eax
    mov %eax, %cr3
    mov $0x620, %eax                // PAE | OSFXSR | OSXMMEXCPT
    mov %eax, %cr4
    mov $0xC0000080, %ecx           // EFER
    rdmsr
    or $0x901, %eax                 // SCE | LME | NXE
    wrmsr
    mov $0x80050033, %eax           // PG | AM | WP | NE | ET | MP | PE
    mov %eax, %cr0
    lgdt boot_gdtr
    xor %edi, %edi
    ljmp $0x10, $start_ring0

    .section .data.boot, "aw"
    .balign 8
boot_gdt:
    .quad 0, 0, 0x00af9b000000ffff  // 0x10: 64-bit code, as in the kernel's own table
boot_gdt_end:
boot_gdtr:
    .word boot_gdt_end - boot_gdt - 1
    .long boot_gdt
    .long 0

    .section .bss.boot, "aw", @nobits
    .balign 4096
boot_pml4:    .skip 4096
boot_pdpt:    .skip 4096
boot_pd_low:  .skip 4096
boot_pd_high: .skip 4096

    .section .note.pvh, "a", @note
    .balign 4
    .long 4                         // name size
    .long 4                         // descriptor size
    .long 18                        // XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .long pvh_start32

// Where the same program starts without a machine of its own: in ring 3, as a process.
    .balign 4
    .long 8
    .long 8
    .long 1
    .asciz "pvbench"
    .quad start_process

    .section .note.GNU-stack, "", @progbits
