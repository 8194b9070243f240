autocmd BufNewFile,BufRead *.fly,*.flyvars setfiletype fly
