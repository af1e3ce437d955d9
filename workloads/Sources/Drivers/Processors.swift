import GuestKernel

/// The other processors of this machine: each parked in HLT from its start, until it is given something to run. Nothing that
/// runs there may allocate: the heap belongs to processor 0.
public enum Processors {
  /// What a parked processor is woken by.
  private static let vector: UInt8 = 0x30
  /// Most processors that the guest kernel has stacks for.
  public static let most = Int(PV_PROCESSORS)

  /// Runs `body` with `context` on processor `index`, which must be parked. Returns at once; `await` waits for the end.
  public static func start(_ index: Int, context: UInt, _ body: @convention(c) (Int, UInt) -> Void) {
    let box = mailbox(index)
    pv_store64(box + Mailbox.body, UInt64(UInt(bitPattern: unsafeBitCast(body, to: UnsafeRawPointer.self))))
    pv_store64(box + Mailbox.context, UInt64(context))
    pv_store64(box + Mailbox.given, pv_load64(box + Mailbox.given) + 1)
    LocalAPIC.interrupt(index, vector: vector)
  }

  /// True while processor `index` has not yet returned from what it was given last.
  public static func isBusy(_ index: Int) -> Bool {
    pv_load64(mailbox(index) + Mailbox.given) != pv_load64(mailbox(index) + Mailbox.done)
  }

  /// Where processor `index` begins: its local APIC is switched on, and it waits for work for ever.
  public static func park(_ index: Int) -> Never {
    LocalAPIC.enable(acceptsPIC: false)
    let box = mailbox(index)
    pv_store64(box + Mailbox.parked, 1)
    var done: UInt64 = 0
    while true {
      while pv_load64(box + Mailbox.given) == done { pv_wait(box + Mailbox.given, done) }
      // SAFETY: written by `start` before the count that was just read.
      let body = unsafeBitCast(
        UnsafeRawPointer(bitPattern: UInt(pv_load64(box + Mailbox.body))).unsafelyUnwrapped,
        to: (@convention(c) (Int, UInt) -> Void).self)
      body(index, UInt(pv_load64(box + Mailbox.context)))
      done += 1
      pv_store64(box + Mailbox.done, done)
    }
  }

  /// Processors beside this one that have parked: those that can be given work.
  public static var parkedCount: Int {
    (1..<most).reduce(0) { $0 + Int(pv_load64(mailbox($1) + Mailbox.parked)) }
  }

  /// Offsets in a processor's mailbox, which has a cache line of its own.
  private enum Mailbox {
    static let given: UInt = 0
    static let done: UInt = 8
    static let body: UInt = 16
    static let context: UInt = 24
    static let parked: UInt = 32
    static let size: UInt = 64
  }

  private static func mailbox(_ index: Int) -> UInt { pv_mailboxes_address() + UInt(index) * Mailbox.size }
}
