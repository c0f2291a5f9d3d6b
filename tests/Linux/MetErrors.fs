/// Where each error that a program has to expect of an operation is met: on the real kernel, brought to it, or injected.
module Uring.Tests.Linux.MetErrors

open Uring.Model

/// The errors that the real kernel gives in a test, of this opcode.
let real (opcode: Opcode) : Errno list =
    let refused (table: ErrnoTests.Refusal list) =
        table |> List.filter (fun case -> case.Opcode = opcode) |> List.map _.Errno

    List.distinct [
        yield! refused ErrnoTests.table
        yield! refused SocketErrorTests.table
        yield! refused (DiskErrorTests.table |> List.map _.Refusal)
        for streamed, errno in DiskErrorTests.streams do
            if streamed = opcode then errno
        if List.contains opcode FileLimitTests.withoutDescriptors then Errno.EMFILE
    ]

/// Those that no test of the real kernel can bring about.
let injected (opcode: Opcode) : Errno list =
    InjectedErrorTests.table |> List.filter (fun (of', _) -> of' = opcode) |> List.map snd
