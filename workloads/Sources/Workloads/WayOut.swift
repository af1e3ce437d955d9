import Drivers
import GuestKernel

/// One way out of the guest: the loop that takes it (GuestKernel/ways.S) and what its instruction is given.
struct WayOut: Sendable {
  /// Runs over a pv_way_order, in the ring that it is made for; what RAX is in the end.
  typealias Loop = @convention(c) (UnsafeMutableRawPointer?) -> UInt64

  let name: StaticString
  /// Makes ready what the instruction meets.
  let prepare: @Sendable () throws(WorkloadFailure) -> Void
  /// True where what the instruction left in RAX, and everything else that it should have done, is right.
  let isRight: @Sendable (UInt64) -> Bool
  /// What RAX is where the host has no such thing; nil where every host has.
  let absent: UInt64?
  private let ring3: Loop?
  private let ring0: @Sendable () -> Loop
  private let arguments: @Sendable () -> (operand: UInt64, rcx: UInt64, rbx: UInt64, rsi: UInt64)

  /// A way out by the loop for ring 3, nil where only ring 0 has the instruction, or the one for ring 0. The arguments are
  /// those of pv_way_order, asked for when the way is taken.
  init(
    _ name: StaticString, _ ring3: Loop?, _ ring0: @autoclosure @escaping @Sendable () -> Loop,
    _ operand: @autoclosure @escaping @Sendable () -> UInt64 = 0,
    rcx: @autoclosure @escaping @Sendable () -> UInt64 = 0,
    rbx: @autoclosure @escaping @Sendable () -> UInt64 = 0, rsi: @autoclosure @escaping @Sendable () -> UInt64 = 0,
    prepare: @escaping @Sendable () throws(WorkloadFailure) -> Void = {}, absent: UInt64? = nil,
    isRight: @escaping @Sendable (UInt64) -> Bool = { _ in true }
  ) {
    self.name = name
    self.ring3 = ring3
    self.ring0 = ring0
    self.prepare = prepare
    self.absent = absent
    self.isRight = isRight
    arguments = { (operand(), rcx(), rbx(), rsi()) }
  }

  /// A call of KVM, by the instruction that this processor has for it. `isRight` judges its result.
  static func hypercall(
    _ name: StaticString, _ number: UInt64, rbx: UInt64 = 0, rsi: UInt64 = 0,
    isRight: @escaping @Sendable (Int64) -> Bool
  ) -> WayOut {
    WayOut(
      name, nil, Hypercall.usesVMMCALL ? pv_way_vmmcall_ring0 : pv_way_vmcall_ring0, number, rbx: rbx, rsi: rsi,
      prepare: {
        Hypercall.prepare()
        LocalAPIC.enable(acceptsPIC: false)
      },
      absent: isRight(Hypercall.unknown) ? nil : UInt64(bitPattern: Hypercall.unknown),
      isRight: { isRight(Int64(bitPattern: $0)) })
  }

  /// The loop in the ring that is asked for; nil where that ring has not this way.
  func loop(isPrivileged: Bool) -> Loop? { isPrivileged ? ring0() : ring3 }

  /// Writes the arguments to the pv_way_order at `order`.
  func fill(_ order: UInt) {
    let (operand, rcx, rbx, rsi) = arguments()
    pv_way_set(order, operand, rcx, rbx, rsi)
  }
}
