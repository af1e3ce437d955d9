extension HostCheck {
  /// Limits of this process, which its runners inherit.
  static let limits: [HostCheck] = [
    HostCheck(id: "limits.memlock", why: "io_uring's buffers and locked guest memory count against it") { host in
      guard let limit = try host.limit("Max locked memory") else { return .cannotTell("no such limit is listed") }
      guard limit >= 64 << 20 else {
        return .warning("\(limit >> 10) KiB of memory may be locked", Remedy("ulimit -l unlimited"))
      }
      return .ok(limit == .max ? "memory may be locked without limit" : "\(limit >> 20) MiB of memory may be locked")
    },
    HostCheck(id: "limits.nofile", why: "a guest takes some dozens, and many run at once") { host in
      guard let limit = try host.limit("Max open files") else { return .cannotTell("no such limit is listed") }
      let found = limit == .max ? "files may be opened without limit" : "\(limit) files may be open at once"
      return limit < 4096 ? .warning(found, Remedy("ulimit -n 65536")) : .ok(found)
    },
  ]

  /// Where runs and their disk images lie.
  static let storage: [HostCheck] = [
    HostCheck(id: "disk.file_system", why: "O_DIRECT does not reach a disk there, or not by the plain way") { host in
      guard let mount = try host.resultsMount() else { return .cannotTell("no mount holds \(host.resultsFolder)") }
      let found = "results are on \(mount.type)"
      return plainFileSystems.contains(mount.type)
        ? .ok(found) : .warning(found, .advice("run with --out on ext4 or xfs"))
    },
    HostCheck(id: "disk.scheduler", why: "it delays and reorders requests") { host in
      guard let mount = try host.resultsMount(), !mount.device.hasPrefix("0:") else {
        return .cannotTell("results are on no block device of their own")
      }
      let folder = "\(host.sysfs)/dev/block/\(mount.device)"
      // A partition has no queue: that of its disk is one folder up.
      guard let queue = [folder + "/queue", folder + "/../queue"].first(where: HostFile.exists) else {
        return .cannotTell("\(folder) has no queue")
      }
      let text = try HostFile.read(queue + "/scheduler")
      let scheduler = HostConfiguration.bracketed(text) ?? text
      guard scheduler != "none" else { return .ok("the disk's scheduler is none") }
      guard HostFile.text(queue + "/rotational") == "0" else {
        return .ok("the disk turns; its scheduler is \(scheduler)")
      }
      let path = queue + "/scheduler"
      return .warning(
        "the disk's scheduler is \(scheduler), not none", Remedy(writing: "none", to: [path], pattern: path))
    },
    HostCheck(id: "disk.space", why: "a run whose disk is full is invalid") { host in
      guard let free = host.freeBytes else {
        return .cannotTell("the free space at \(host.resultsFolder) cannot be read")
      }
      let found = "\(free >> 20) MiB are free at \(host.resultsFolder)"
      return free < 1 << 30 ? .warning(found, .advice("free some space, or run with --out elsewhere")) : .ok(found)
    },
  ]

  private static let plainFileSystems: Set<String> = ["ext2", "ext3", "ext4", "xfs", "f2fs"]
}
