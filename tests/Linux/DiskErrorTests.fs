/// What each operation on files says when the disk fails under it: one request for each error, on the real kernel, on a file
/// system whose server answers with just that.
module Uring.Tests.Linux.DiskErrorTests

open System
open System.IO
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Kernel
open Uring.Model
open Uring.Tests.Linux.Hosting
open Uring.Tests.Linux.ErrnoTests

/// A refusal, and the request of the file system whose failure it is.
type DiskRefusal = { Request: DiskRequest; Refusal: Refusal }

let private reads = [ Errno.EIO ]
let private changes = [ Errno.EIO; Errno.ENOSPC; Errno.EDQUOT; Errno.EROFS ]
let private opens = [ Errno.EIO; Errno.ENOMEM; Errno.EROFS ]

let private fails opcode request errnos make =
    errnos
    |> List.map (fun errno -> {
        Request = request
        Refusal = { Opcode = opcode; Errno = errno; Make = make }
    })

let private file (stage: Stage) = stage.Open OpenFlags.ReadWrite (stage.At "file")
let private attribute = "user.a"
let private set = AttributeChange.CreateOrReplace

/// With something in it that the disk does not have yet.
let private dirty (stage: Stage) =
    let page = ReadOnlyMemory(Array.zeroCreate<byte> 4096)
    let opened = file stage
    Expect.equal (attempt stage.Host (FileRequest.write opened page 0L)) 4096 "written to memory"
    opened

/// All of them.
let table: DiskRefusal list =
    List.concat [
        fails Opcode.Read DiskRequest.Read reads (fun s -> FileRequest.read (file s) some 0L)
        fails Opcode.Write DiskRequest.Write changes (fun s -> FileRequest.write (file s) bytes 0L)
        fails Opcode.ReadVector DiskRequest.Read reads (fun s -> VectorRequest.read (file s) two 0L)
        fails Opcode.WriteVector DiskRequest.Write changes (fun s -> VectorRequest.write (file s) both 0L)
        fails Opcode.ReadFixed DiskRequest.Read reads (fun s ->
            RegisteredRequest.read (file s) s.Registered 0L)
        fails Opcode.WriteFixed DiskRequest.Write changes (fun s ->
            RegisteredRequest.write (file s) s.Registered 0L)
        fails Opcode.ReadVectorFixed DiskRequest.Read reads (fun s ->
            RegisteredRequest.readVector (file s) [| s.Registered |] 0L)
        fails Opcode.WriteVectorFixed DiskRequest.Write changes (fun s ->
            RegisteredRequest.writeVector (file s) [| s.Registered |] 0L)
        fails Opcode.Sync DiskRequest.Sync changes (fun s -> FileRequest.sync (file s) false)
        fails Opcode.SyncFileRange DiskRequest.Write [ Errno.EIO; Errno.ENOSPC ] (fun s ->
            FileRequest.syncRange (dirty s) 0L 4096L (RangeSync.Write ||| RangeSync.WaitAfter))
        fails Opcode.Allocate DiskRequest.Allocate changes (fun s -> FileRequest.allocate (file s) 0L 1L)
        fails Opcode.Truncate DiskRequest.SetAttributes changes (fun s -> FileRequest.truncate (file s) 1L)
        fails Opcode.OpenAt DiskRequest.Open opens (fun s ->
            FileRequest.openPath (s.At "file") OpenFlags.Read anyone)
        fails Opcode.OpenAt DiskRequest.Create changes (fun s ->
            FileRequest.openPath (s.At "new") (OpenFlags.Write ||| OpenFlags.Create) anyone)
        fails Opcode.OpenAt2 DiskRequest.Open opens (fun s ->
            FileRequest.openFrom s.Directory PathRules.None "file" OpenFlags.Read anyone)
        fails Opcode.Close DiskRequest.Flush changes (fun s ->
            // By its number: the ring's own account of it has nothing to do with it.
            let path = s.At "file"
            let opened = attempt s.Host (FileRequest.openPath path OpenFlags.ReadWrite anyone)
            Request.bare (Submission.close opened))
        fails Opcode.Status DiskRequest.GetAttributes reads (fun s -> FileRequest.status (s.At "file") true)
        fails Opcode.Status DiskRequest.Lookup reads (fun s -> FileRequest.status (s.At "file") true)
        fails Opcode.RenameAt DiskRequest.Rename changes (fun s ->
            FileRequest.rename (s.At "file") (s.At "new"))
        fails Opcode.UnlinkAt DiskRequest.Unlink changes (fun s -> FileRequest.unlink (s.At "file"))
        fails Opcode.UnlinkAt DiskRequest.RemoveDirectory changes (fun s ->
            FileRequest.removeDirectory (s.At "directory"))
        fails Opcode.MakeDirectoryAt DiskRequest.MakeDirectory changes (fun s ->
            FileRequest.makeDirectory (s.At "new") anyone)
        fails Opcode.SymbolicLinkAt DiskRequest.MakeSymbolicLink changes (fun s ->
            FileRequest.makeSymbolicLink (s.At "new") "anything")
        fails Opcode.LinkAt DiskRequest.Link changes (fun s ->
            FileRequest.makeHardLink (s.At "new") (s.At "file"))
        fails Opcode.SetAttributeOfFile DiskRequest.SetExtended changes (fun s ->
            FileRequest.setAttribute (file s) attribute bytes set)
        fails Opcode.SetAttribute DiskRequest.SetExtended changes (fun s ->
            FileRequest.setAttributeOfPath (s.At "file") attribute bytes set)
        fails Opcode.GetAttributeOfFile DiskRequest.GetExtended reads (fun s ->
            FileRequest.attribute (file s) attribute 8)
        fails Opcode.GetAttribute DiskRequest.GetExtended reads (fun s ->
            FileRequest.attributeOfPath (s.At "file") attribute 8)
    ]

/// What is no single request: a stream, and the errors that end it.
let streams: (Opcode * Errno) list = [ Opcode.ReadMultishot, Errno.EIO ]

/// A disk of its own for `body`, in a folder of its own.
let withDisk (isCached: bool) (body: FailingDisk -> unit) =
    inFolder (fun folder ->
        let place = Directory.CreateDirectory(at folder "disk").FullName

        match FailingDisk.TryMount(place, isCached) with
        | Error reason -> skiptest $"no disk that fails: {reason}"
        | Ok disk ->
            use disk = disk
            body disk)

let private refusals =
    testList "refusals" [
        let named (case: DiskRefusal) = case.Refusal.Opcode, case.Request, case.Refusal.Errno

        for case in table do
            let opcode, request, errno = named case
            let isCached = opcode = Opcode.SyncFileRange

            testCase $"{opcode}: {errno} by {request}" (fun () ->
                withDisk isCached (fun disk ->
                    onStage LinuxKernel.Instance disk.Place (fun stage ->
                        let fail () = disk.Answers request (DiskAnswer.Refused errno)
                        isRefused stage fail case.Refusal)))
    ]

let private ends =
    testList "streams" [
        for opcode, errno in streams do
            testCase $"{opcode}: {errno} ends it, and the buffers are back" (fun () ->
                withDisk false (fun disk ->
                    onStage LinuxKernel.Instance disk.Place (fun stage ->
                        let pool = stage.Run(BufferPool.create (BufferPoolOptions.fixedOf 4 64))
                        let request = FileRequest.readMany (file stage) pool
                        Expect.equal request.Multishot.Submission.Opcode opcode "which"
                        disk.Answers DiskRequest.Read (DiskAnswer.Refused errno)
                        let open' = stage.Host.Loop.Open(request, Threading.CancellationToken.None)
                        let stream = UringStream(open', _.Lease)

                        match failureOf (fun () -> Receiving.next stage.Host stream) with
                        | :? IOException as reason -> Expect.equal reason.HResult (int errno) "errno"
                        | other -> failtest $"{other}"

                        Receiving.allBack pool
                        Receiving.leave stage.Host stream
                        Expect.equal stage.Host.Loop.InFlight 0 "nothing is left")))
    ]

[<Tests>]
let tests = testSequenced <| testList "DiskError" [ refusals; ends ]
