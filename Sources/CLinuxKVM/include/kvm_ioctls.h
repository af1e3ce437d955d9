#pragma once
#include <linux/kvm.h>

// The ioctl numbers of linux/kvm.h: function-like macros are invisible to Swift.

// /dev/kvm
static const unsigned long pv_KVM_GET_API_VERSION = KVM_GET_API_VERSION;
static const unsigned long pv_KVM_CREATE_VM = KVM_CREATE_VM;
static const unsigned long pv_KVM_CHECK_EXTENSION = KVM_CHECK_EXTENSION;
static const unsigned long pv_KVM_GET_VCPU_MMAP_SIZE = KVM_GET_VCPU_MMAP_SIZE;
static const unsigned long pv_KVM_GET_SUPPORTED_CPUID = KVM_GET_SUPPORTED_CPUID;

// a virtual machine
static const unsigned long pv_KVM_SET_USER_MEMORY_REGION = KVM_SET_USER_MEMORY_REGION;
static const unsigned long pv_KVM_SET_TSS_ADDR = KVM_SET_TSS_ADDR;
static const unsigned long pv_KVM_SET_IDENTITY_MAP_ADDR = KVM_SET_IDENTITY_MAP_ADDR;
static const unsigned long pv_KVM_CREATE_IRQCHIP = KVM_CREATE_IRQCHIP;
static const unsigned long pv_KVM_CREATE_PIT2 = KVM_CREATE_PIT2;
static const unsigned long pv_KVM_CREATE_VCPU = KVM_CREATE_VCPU;
static const unsigned long pv_KVM_IRQ_LINE = KVM_IRQ_LINE;
static const unsigned long pv_KVM_IRQFD = KVM_IRQFD;
static const unsigned long pv_KVM_IOEVENTFD = KVM_IOEVENTFD;
static const unsigned long pv_KVM_SET_GSI_ROUTING = KVM_SET_GSI_ROUTING;
static const unsigned long pv_KVM_ENABLE_CAP = KVM_ENABLE_CAP;
static const unsigned long pv_KVM_GET_STATS_FD = KVM_GET_STATS_FD;

// a vCPU
static const unsigned long pv_KVM_GET_REGS = KVM_GET_REGS;
static const unsigned long pv_KVM_SET_REGS = KVM_SET_REGS;
static const unsigned long pv_KVM_GET_SREGS = KVM_GET_SREGS;
static const unsigned long pv_KVM_SET_SREGS = KVM_SET_SREGS;
static const unsigned long pv_KVM_GET_MSRS = KVM_GET_MSRS;
static const unsigned long pv_KVM_SET_MSRS = KVM_SET_MSRS;
static const unsigned long pv_KVM_SET_CPUID2 = KVM_SET_CPUID2;
static const unsigned long pv_KVM_GET_XCRS = KVM_GET_XCRS;
static const unsigned long pv_KVM_SET_XCRS = KVM_SET_XCRS;
static const unsigned long pv_KVM_GET_LAPIC = KVM_GET_LAPIC;
static const unsigned long pv_KVM_SET_LAPIC = KVM_SET_LAPIC;
static const unsigned long pv_KVM_GET_MP_STATE = KVM_GET_MP_STATE;
static const unsigned long pv_KVM_SET_MP_STATE = KVM_SET_MP_STATE;
static const unsigned long pv_KVM_GET_TSC_KHZ = KVM_GET_TSC_KHZ;
