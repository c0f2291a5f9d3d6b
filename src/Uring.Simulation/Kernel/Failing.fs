// Which errors an operation may meet though nothing is wrong with it: those of its man page that a program has to expect.
namespace Uring.Simulation.Kernel

open Uring.Model

[<RequireQualifiedAccess>]
module internal Failing =

    /// Empty for what cannot fail by itself.
    let errors (opcode: Opcode) : Errno array =
        match opcode with
        | Opcode.Read
        | Opcode.Sync
        | Opcode.Truncate -> [| Errno.EIO |]
        | Opcode.Write
        | Opcode.Allocate -> [| Errno.EIO; Errno.ENOSPC |]
        | Opcode.OpenAt
        | Opcode.OpenAt2 -> [| Errno.EMFILE; Errno.ENOMEM |]
        | Opcode.Socket -> [| Errno.EMFILE; Errno.ENOBUFS |]
        | Opcode.Accept -> [| Errno.ECONNABORTED; Errno.EMFILE |]
        | Opcode.Connect -> [| Errno.ECONNREFUSED; Errno.ETIMEDOUT |]
        | Opcode.Send
        | Opcode.Receive
        | Opcode.ReceiveMessage
        | Opcode.SendZeroCopy -> [| Errno.ENOMEM; Errno.ENOBUFS |]
        | Opcode.SetAttributeOfFile
        | Opcode.SyncFileRange -> [| Errno.EIO; Errno.ENOSPC |]
        | Opcode.MakeDirectoryAt
        | Opcode.LinkAt
        | Opcode.SymbolicLinkAt
        | Opcode.RenameAt -> [| Errno.EIO; Errno.ENOSPC |]
        | Opcode.UnlinkAt
        | Opcode.Status -> [| Errno.EIO |]
        // An open set: closing, cancelling and waiting do not fail.
        | _ -> [||]
